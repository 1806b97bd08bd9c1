{ a = "é";	b = 	throw "after tabs and wide é"; }
