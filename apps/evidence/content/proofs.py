"""Files given as proof, kept in a package under their digest."""

from apps.core.errors import DomainError
from apps.evidence.content.files import Files
from apps.remediation.proofs import proof_path


def add_proof_file(files: Files, sha256: str, whose: str) -> None:
    try:
        content = proof_path(sha256).read_bytes()
    except OSError as error:
        raise DomainError(
            f"The proof file {sha256} of {whose} cannot be read, "
            "so the package would not be complete."
        ) from error
    files.add(f"data/raw/{sha256}", f"Proof file of {whose}", content)
