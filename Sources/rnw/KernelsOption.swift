import ArgumentParser
package import Inference

extension InstructionSet: ExpressibleByArgument {}
