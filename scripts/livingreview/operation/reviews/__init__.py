"""Many reviews beside each other on one program: their folders, their months, their page, a new one."""
