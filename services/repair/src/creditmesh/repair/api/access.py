"""Who may call these routes: the subject on their own side, departments and the office that handle cases."""

from creditmesh.chassis.http.access import Access

READ = Access.each(subject="me:read", department="cases:handle", office="cases:handle")
ACT = Access.each(subject="cases:file", department="cases:handle", office="cases:handle")
HANDLE = Access.to("department", "office", scope="cases:handle")
FILE = Access.to("subject", scope="cases:file")
OWN = Access.to("subject", scope="me:read")
