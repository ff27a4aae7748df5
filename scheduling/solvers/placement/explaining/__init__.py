"""Why items stand nowhere: their constraints that cannot meet, and changes that admit them."""
