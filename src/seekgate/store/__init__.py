"""Where state lives: rows in SQL, facts in the journal, hot shared state in Valkey. It knows no capability."""
