"""The five tools and their companions: one file per verb, beside it the parts that only it needs."""
