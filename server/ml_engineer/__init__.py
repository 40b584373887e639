"""The Python door; its functions are loaded when they are first used."""
