rec { ${throw "recursive name"} = 1; a = 2; }.a
