"""What `doctor` looks at: files, secrets, this shell. `examine` makes every check; `context` is what they may ask of the app."""
