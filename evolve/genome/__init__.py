"""The text of a genome: parsed, screened, taken apart and merged."""
