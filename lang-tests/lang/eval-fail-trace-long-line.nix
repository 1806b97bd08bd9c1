let veryLongNameOfAnAttributeThatGoesOnAndOn = { anotherVeryLongNameOfAnAttribute = 1; }; in veryLongNameOfAnAttributeThatGoesOnAndOn.anotherVeryLongNameOfAnAttribute.nothing
