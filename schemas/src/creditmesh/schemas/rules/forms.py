"""Numbers of a fixed form: what has it is read as that, and searched for nobody's number."""

import re
from collections.abc import Mapping

from creditmesh.schemas.catalogue.field import FieldSpec, Form

_FORMS: Mapping[Form, re.Pattern[str]] = {
    "commitment": re.compile(r"[1-9]\d{5}20(?:1[4-9]|[2-9]\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{6}", re.ASCII),
}
"""`commitment`: region, day and serial number of the template of 2020, of days from 2014 on. Who was born then is of
age in 2032 at the earliest: no subject's resident number, with digits behind it, has the form."""


def has_its_form(spec: FieldSpec, text: str) -> bool:
    """Whether the value has the fixed form that the catalogue gives its field; False where it gives none."""
    return spec.form is not None and _FORMS[spec.form].fullmatch(text) is not None
