"""Write the sample documents, their ground truth and their standards: `python sample_data/make`.

Without an argument they are written beside this folder, else below the folder named.
"""

import sys
from pathlib import Path

import bill_docs
import cert_docs
import chip_docs
import spec_motion
import spec_power
import standards
from truth import write_set


def main(target: Path) -> None:
    """Write every set."""
    write_set(target / "spec-check", [*spec_power.docs(), *spec_motion.docs()])
    write_set(target / "material-certificates", cert_docs.docs())
    standards.write_limits(target / "material-certificates" / "limits.csv")
    write_set(target / "invoices", bill_docs.docs())
    write_set(target / "datasheets", chip_docs.docs())
    standards.write_approvals(target / "invoices" / "approvals.yaml")
    standards.write_standard(target / "spec-check" / "standard.xlsx")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
