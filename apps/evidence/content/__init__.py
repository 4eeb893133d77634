"""What stands in a package, file by file. Reads; writes nothing but the package's own files."""
