# Six lots that come back to the same four stations
6 4
0 4 1 6 2 3 0 5 3 7 -1 -1
0 3 2 5 1 4 2 6 -1 -1
1 7 0 2 1 5 3 4 0 3 -1 -1
2 6 3 8 2 2 1 3 -1 -1
3 5 0 4 1 6 0 2 2 4 -1 -1
1 3 2 4 3 6 1 2 3 3 -1 -1
