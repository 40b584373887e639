"""Rows looked at as they are, with nothing to predict: groups among them, and rows unlike the rest."""
