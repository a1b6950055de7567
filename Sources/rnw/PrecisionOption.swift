import ArgumentParser
import Conversion
import Precision

extension Precision: ExpressibleByArgument {}
