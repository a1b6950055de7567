#include "CKernelSupport.h"
