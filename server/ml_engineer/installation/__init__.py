"""What is installed here, what is missing, and how to mend it. Imports nothing heavy."""
