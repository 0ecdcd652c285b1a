"""What the catalogue publishes: items, lists, measures, matters, purposes, parties, code sets, rules.

These models are the shipped YAML, the body of `CatalogueChanged` and the directory's answers alike. A basis that no
source confirmed is marked `verified: false`; the operator puts it right in data, never in code.
"""

from creditmesh.schemas.catalogue.base import Basis
from creditmesh.schemas.catalogue.code_set import CodeSet, CodeValue, ForbiddenAttribute, Rule
from creditmesh.schemas.catalogue.field import DEMANDS, Condition, FieldSpec, FieldType, Mask, Roles
from creditmesh.schemas.catalogue.item import Disclosure, DisplayRule, Item, Repair, SeverityRule
from creditmesh.schemas.catalogue.measures import CreditList, Matter, Measure, Purpose
from creditmesh.schemas.catalogue.party import Party, PublicKey
from creditmesh.schemas.catalogue.procedure import Procedure
from creditmesh.schemas.identifiers import Tier

__all__ = [
    "DEMANDS",
    "Basis",
    "CodeSet",
    "CodeValue",
    "Condition",
    "CreditList",
    "Disclosure",
    "DisplayRule",
    "FieldSpec",
    "FieldType",
    "ForbiddenAttribute",
    "Item",
    "Mask",
    "Matter",
    "Measure",
    "Party",
    "Procedure",
    "PublicKey",
    "Purpose",
    "Repair",
    "Roles",
    "Rule",
    "SeverityRule",
    "Tier",
]
