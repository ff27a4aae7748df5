"""Tasks of mobile devices near edge servers."""
