let later = index: [ (index * index) ]; in later 3
