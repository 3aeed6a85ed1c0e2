"""Everything that is decided or computed: no clock, no chance, no I/O, no log, no third party."""
