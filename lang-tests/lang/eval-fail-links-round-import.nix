import ./links/round
