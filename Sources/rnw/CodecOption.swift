public import ArgumentParser
public import RNW

extension RNWCodec: ExpressibleByArgument {}
