"""What all tests share: properties are checked by their examples, never by a clock."""

from hypothesis import settings

settings.register_profile("worldtwin", deadline=None, derandomize=True)
settings.load_profile("worldtwin")
