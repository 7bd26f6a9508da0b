"""The only modules that touch sockets, clocks, threads and files; the rest of the SDK sees the port."""
