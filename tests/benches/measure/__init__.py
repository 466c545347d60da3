"""What the scripts of this folder share: where things are, a place to run commands in, and how they are measured."""
import os

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../.."))
TARGET = os.path.join(ROOT, os.environ.get("CARGO_TARGET_DIR", "target"))
OPENKOI = os.path.join(TARGET, "release/openkoi")
BENCHES = os.path.join(TARGET, "release/openkoi-benches")
