"""From a blank board to a commissioned node, step by step; `lampyre flash`."""
