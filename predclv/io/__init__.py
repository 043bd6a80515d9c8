"""Files and folders that stand whole at their name or not at all; strict JSON; pseudonyms."""
