"""What both HTTP servers of the package stand on: listening, refusing, stopping."""
