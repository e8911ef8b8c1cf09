"""The operating system: safe reads, atomic writes, locks. Knows no profile."""
