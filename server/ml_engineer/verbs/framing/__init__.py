"""What `frame_problem` does, step by step: the request, the table, the seal, the contract, the files, the reply."""
