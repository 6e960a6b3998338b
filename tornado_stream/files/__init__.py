"""Files of users: their bytes on the disk, their types, and the texts that are in them."""
