"""Teaching from the app: a process of its own, with less priority than a click, and the server's side of it."""
