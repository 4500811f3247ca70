import sys
from pathlib import Path

MODELS = Path(__file__).parents[2] / "models"
sys.path.insert(0, str(MODELS))
