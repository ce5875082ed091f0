"""From the typed tree of a program to WebAssembly: a module that imports nothing, and the machine that runs it."""
