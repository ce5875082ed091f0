"""From the bytes of a YAML file to plain values that know their lines, and what is wrong with their shape."""
