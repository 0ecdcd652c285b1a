"""Who may call these routes: the subject on their own side, departments and the office that handle cases."""

from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.router import Tag

CASES = Tag("cases", "Objections, repairs and appeals, and their documents", "异议、信用修复、复核及其材料")
READ = AccessPolicy.each(subject="me:read", department="cases:handle", office="cases:handle")
ACT = AccessPolicy.each(subject="cases:file", department="cases:handle", office="cases:handle")
HANDLE = AccessPolicy.to("department", "office", scope="cases:handle")
FILE = AccessPolicy.to("subject", scope="cases:file")
OWN = AccessPolicy.to("subject", scope="me:read")
