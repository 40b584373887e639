"""``python -m ml_engineer`` is the command line."""

from ml_engineer.doors.command_line import main

if __name__ == "__main__":
    main()
