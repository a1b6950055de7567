import ArgumentParser
import RNW

extension RNWCodec: ExpressibleByArgument {}
