import KernelSet

/// The kernels of this instruction set.
package enum Kernels: KernelSet {}
