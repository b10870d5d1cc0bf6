"""Many that change the same files at the same moment: nothing acknowledged is lost."""
