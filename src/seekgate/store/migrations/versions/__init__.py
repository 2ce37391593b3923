"""One file for each version of the schema. Revisions are numbers of four digits, so that *newer* has a meaning."""
