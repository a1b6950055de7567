import ArgumentParser
import Conversion

extension Precision: ExpressibleByArgument {}
