"""What the gateway keeps: one SQLite file, one writing module per table, one thread that writes.

`opening.Store` locks, checks and migrates the file, or salvages a damaged one. `writer.Writer` takes the network
server's commits and everybody's calls; whoever only reads has a connection of `Store.reader` and fetches pages.
`caretaker.Caretaker`, `snapshot.SnapshotKeeper` and `backup.Backup` do from time to time what their names say.
"""
