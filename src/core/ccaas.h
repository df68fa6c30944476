#ifndef CCAAS_H
#define CCAAS_H
#define CCAAS_VERSION "0.1.0"
#endif
