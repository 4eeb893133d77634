"""Everything that writes requests, votes, and the policies that lead to them."""
