"""Mixed-integer linear models, stated once as blocks of arrays, and the engines that solve them."""
