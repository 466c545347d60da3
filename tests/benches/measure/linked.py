"""The release program with its symbols."""
import os
import shutil
import subprocess

from measure import OPENKOI, ROOT, TARGET


def with_symbols():
    """Links the program with its symbols and returns its path. The product's own file is as it was afterwards."""
    unstripped = os.path.join(TARGET, "benches/openkoi")
    os.makedirs(os.path.dirname(unstripped), exist_ok=True)
    stripped = f"{unstripped}.stripped"
    shutil.copy2(OPENKOI, stripped)
    cargo = ["cargo", "rustc", "--release", "--locked", "-p", "openkoi", "--bin", "openkoi", "--", "-C", "strip=none"]
    try:
        subprocess.run(cargo, cwd=ROOT, check=True)
        shutil.copy2(OPENKOI, unstripped)
    finally:
        os.replace(stripped, OPENKOI)
    return unstripped
