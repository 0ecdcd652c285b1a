"""Run a command of uv or pip with the index, certificates and proxy that pip is configured for on this machine.

`.venv/bin/python deploy/as_pip.py .venv/bin/uv pip sync ...`: uv reads no `pip.conf` and no `PIP_*`, so that what pip
has of them (`pip config list`) is said in uv's own variables. One that is set already stays as it is.

Where no certificate is configured, the system's store holds for both: an authority of one's own stands there as a
rule, and the pip that comes with Python 3.11 looks into none but its own.
"""

import ast
import os
import ssl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_SECTIONS = ("global", "install", ":env:")
"""What pip reads for an installation, the stronger last."""
_AS_IT_IS = {
    "index-url": ("UV_DEFAULT_INDEX",),
    "extra-index-url": ("UV_INDEX",),
    "trusted-host": ("UV_INSECURE_HOST",),
    "client-cert": ("SSL_CLIENT_CERT",),
    "proxy": ("HTTP_PROXY", "HTTPS_PROXY"),
    "default-timeout": ("UV_HTTP_TIMEOUT",),
    "timeout": ("UV_HTTP_TIMEOUT",),
    "retries": ("UV_HTTP_RETRIES",),
    "keyring-provider": ("UV_KEYRING_PROVIDER",),
}


def configured() -> dict[str, str]:
    """What pip has for an installation, from all its files and variables."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own command
    sections: dict[str, dict[str, str]] = {name: {} for name in _SECTIONS}
    for line in said.splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if section in sections:
            sections[section][key.replace("_", "-")] = str(ast.literal_eval(value))
    return {key: value for section in _SECTIONS for key, value in sections[section].items()}


def as_uv(pip: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """The same in the variables that uv reads."""
    given = {name: " ".join(pip[key].split()) for key, names in _AS_IT_IS.items() if key in pip for name in names}
    if "extra-index-url" in pip:
        given["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # to pip all indexes are one; hashes say what is right
    if "find-links" in pip:
        given["UV_FIND_LINKS"] = ",".join(pip["find-links"].split())
    cert = pip.get("cert") or environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE")
    if cert:
        given["SSL_CERT_DIR" if Path(cert).is_dir() else "SSL_CERT_FILE"] = cert
    else:
        given["UV_SYSTEM_CERTS"] = "true"
        if store := system_store():
            given["PIP_CERT"] = store
    return given


def system_store() -> str | None:
    """The file or the folder of the authorities that this machine trusts; None where it has none of them."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return paths.cafile
    hashed = paths.capath and any(Path(paths.capath).glob("*.[0-9]"))  # the names by which OpenSSL finds them
    return paths.capath if hashed else None


def main() -> None:
    """Become the command."""
    pip = configured()
    environ = as_uv(pip, os.environ) | dict(os.environ)
    more = ["--no-index"] if pip.get("no-index", "").lower() in {"1", "true", "yes", "on"} else []
    os.execve(sys.argv[1], [*sys.argv[1:], *more], environ)  # noqa: S606 - the command line that was given


if __name__ == "__main__":
    main()
