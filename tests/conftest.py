"""What all tests share: properties are checked by their examples, never by a clock."""

from importlib.util import find_spec

from hypothesis import settings

settings.register_profile("worldtwin", deadline=None, derandomize=True)
settings.load_profile("worldtwin")

# Stable-Baselines3 has an environment of its own: `test_optional_libraries` runs these files there
collect_ignore_glob = [] if find_spec("stable_baselines3") else ["*_sb3.py"]
