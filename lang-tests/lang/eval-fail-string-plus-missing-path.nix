"prefix " + ./does-not-exist
