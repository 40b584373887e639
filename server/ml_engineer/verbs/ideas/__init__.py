"""What `train` does with a trial: features.py judged as an experiment."""
